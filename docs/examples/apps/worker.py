"""What runs on the GPU: it trains, a quarter of an hour at a time, and reports to the app."""

from collections.abc import Callable

import httpx

from credits_core.webhooks import sign_job

QUARTER = 0.25


class Worker:
    """Trains the job of a hold; `secret` is shared with the app."""

    def __init__(self, webhook: str, secret: str, job_id: str, user_id: str) -> None:
        self._webhook = webhook
        self._secret = secret
        self._job = {"jobId": job_id, "holdId": job_id, "userId": user_id}

    def train(
        self, hours: float, work: Callable[[float], None], pause: Callable[[str], None]
    ) -> str:
        """Train for so many hours; `pause` waits, with the notice. Answers how it ended."""
        done = 0.0
        while done < hours:
            until = min(done + QUARTER, hours)
            told = self._report("progress", until)
            if told["action"] == "stop":
                return "stopped"
            if told["action"] == "pause":
                pause(told["notice"])
                continue
            try:
                work(until - done)
            except Exception:
                self._report("failed")
                raise
            done = until
        self._report("completed", done)
        return "done"

    def _report(self, status: str, used: float | None = None) -> dict:
        report = {**self._job, "status": status, **({} if used is None else {"used": used})}
        body, headers = sign_job(self._secret, report)
        # A report that comes twice does no harm: let the transport try again.
        transport = httpx.HTTPTransport(retries=3)
        with httpx.Client(transport=transport) as http:
            answer = http.post(self._webhook, content=body, headers=headers)
        return answer.raise_for_status().json()
