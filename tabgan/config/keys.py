"""The keys of a command, as its file in ``conf/`` has them."""

from __future__ import annotations

import yaml

from tabgan.paths import conf_dir


def command_keys(command: str) -> list[str]:
    """The top-level keys of ``conf/<command>.yaml``, of its base files and of its groups."""
    content = yaml.safe_load((conf_dir() / f"{command}.yaml").read_text("utf-8"))
    keys = [key for key in content if key not in ("defaults", "hydra")]
    for entry in content.get("defaults", []):
        if isinstance(entry, str):
            keys += command_keys(entry) if entry != "_self_" else []
        else:
            (group,) = entry
            if not group.startswith(("override", "hydra")):
                keys.append(group.partition("@")[0])
    return list(dict.fromkeys(keys))
