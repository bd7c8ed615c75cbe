"""A model behind an HTTP address: JSON rows in, scores out."""

from __future__ import annotations

import time

import httpx
import numpy as np
import pandas as pd

from tabgan.blackboxes.protocol import Scores, plain_rows
from tabgan.errors import TabganError

PAUSE = 0.2  # seconds before the second attempt; doubled with each further one
AGAIN = (429, 500, 502, 503, 504)  # answers worth another attempt


class HttpBox:
    """POST ``{"rows": [{column: value, ...}, ...]}``, answered by ``{"scores": [...]}``.

    Values are text, numbers, or null for missing.

    Args:
        url: where the model listens.
        timeout: seconds to wait for one answer.
        retries: further attempts after silence, a broken connection or a 429/5xx answer.
        rate: requests a second at most; None for no limit.
        batch_rows: rows of one request.
    """

    def __init__(
        self, url: str, *, timeout: float, retries: int, rate: float | None, batch_rows: int
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise TabganError(f"blackbox.url={url}: expected http:// or https://")
        if batch_rows < 1 or retries < 0 or (rate is not None and rate <= 0):
            raise TabganError(
                "blackbox: expected batch_rows >= 1, retries >= 0 and rate > 0, "
                f"got {batch_rows}, {retries} and {rate}"
            )
        self.name = self.url = url
        self.retries, self.batch_rows = retries, batch_rows
        self.gap = 0.0 if rate is None else 1.0 / rate
        self.client = httpx.Client(timeout=timeout)
        self.next_at = time.monotonic()

    def __call__(self, rows: pd.DataFrame) -> Scores:
        plain = plain_rows(rows, name=self.name)
        pieces = [
            self._scores(plain.iloc[start : start + self.batch_rows])
            for start in range(0, len(plain), self.batch_rows)
        ]
        return np.concatenate(pieces) if pieces else np.empty(0)

    def _scores(self, rows: pd.DataFrame) -> Scores:
        body = {"rows": rows.astype("object").where(rows.notna(), None).to_dict("records")}
        answer = self._post(body)
        try:
            scores = np.asarray(answer.json()["scores"], dtype="float64")
        except (ValueError, KeyError, TypeError) as error:
            raise TabganError(
                f'{self.url}: expected {{"scores": [numbers]}}, got {answer.text[:80]!r}'
            ) from error
        if scores.shape != (len(rows),):
            raise TabganError(
                f"{self.url}: expected {len(rows)} scores for {len(rows)} rows, got {scores.shape}"
            )
        return scores

    def _post(self, body: dict[str, object]) -> httpx.Response:
        why = ""
        for attempt in range(self.retries + 1):
            if attempt:
                time.sleep(PAUSE * 2 ** (attempt - 1))
            self._wait()
            try:
                answer = self.client.post(self.url, json=body)
            except httpx.HTTPError as error:
                why = f"{type(error).__name__}: {error}"
                continue
            if answer.is_success:
                return answer
            why = f"status {answer.status_code}: {answer.text[:80]!r}"
            if answer.status_code not in AGAIN:
                break
        raise TabganError(f"{self.url}: no scores after {attempt + 1} attempts: {why}")

    def _wait(self) -> None:
        """Keep to the rate."""
        now = time.monotonic()
        if now < self.next_at:
            time.sleep(self.next_at - now)
        self.next_at = max(now, self.next_at) + self.gap
