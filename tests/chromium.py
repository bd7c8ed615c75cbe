"""Chromium as tests start it: now and then it hangs, and another start does not."""

import subprocess

SECONDS, STARTS = 100, 3  # of a start, that takes a few
HUNG = 124  # the status of timeout, which ends the browser's own processes too


def started(words, folder):
    """What a headless Chromium said; started again with a fresh profile if it hangs."""
    for start in range(STARTS):
        command = ["timeout", "-k", "5", str(SECONDS), words[0]]
        command += [f"--user-data-dir={folder / f'profile-{start}'}", *words[1:]]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != HUNG:
            break
    done.check_returncode()
    return done
