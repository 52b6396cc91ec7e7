"""Programs that a probe runs, each ended by its own id whatever happens."""

import contextlib
import signal
import subprocess
import sys
import threading
import time


def fail(sentence):
    sys.exit(f"FAILED: {sentence}")


# One that takes too long is ended by `timeout`, and ends what it has started.
signal.signal(signal.SIGTERM, lambda *_: sys.exit("FAILED: it took too long"))


@contextlib.contextmanager
def running(command, **more):
    """Runs a program as long as the block, with its lines of both outputs in `.lines`."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    process.lines = []

    def read():
        for line in process.stdout:
            process.lines.append(line.rstrip("\n"))

    threading.Thread(target=read, daemon=True).start()
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def line_with(process, beginning, seconds=20):
    """Waits for a line and returns what follows its beginning."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for line in list(process.lines):
            if line.startswith(beginning):
                return line[len(beginning):]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    fail(f"{process.args[0]} did not print {beginning!r}: {process.lines[-5:]}")


def wait_for(holds, sentence, seconds=30):
    """Waits until something holds, and returns it."""
    until = time.monotonic() + seconds
    last = None
    while time.monotonic() < until:
        try:
            last = holds()
        except (OSError, ValueError, KeyError) as error:
            last = error
        else:
            if last:
                return last
        time.sleep(0.1)
    fail(f"{sentence}; at the end: {last}")
