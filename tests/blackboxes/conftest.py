"""A model behind an address, on this machine, for as long as a test runs."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Model:
    """Answers POSTs with ``answer(rows)``; a list of statuses is served before the first answer.

    Attributes:
        url: where it listens.
        bodies: what it was requested, in order.
    """

    def __init__(self, answer, statuses=()):
        self.bodies, self.statuses = [], list(statuses)
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                model.bodies.append(body)
                status = model.statuses.pop(0) if model.statuses else 200
                content = b"busy" if status != 200 else json.dumps(answer(body["rows"])).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *words):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *where: None  # a client that left is no news
        self.url = f"http://127.0.0.1:{self.server.server_port}/score"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def kill(self):
        """Stop answering; the port is closed."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def serve():
    """``serve(answer, statuses=[503])``: a model on localhost."""
    models = []

    def start(answer, statuses=()):
        models.append(Model(answer, statuses))
        return models[-1]

    yield start
    for model in models:
        model.kill()
