"""Fit rivals in a process of their own: their long calls into C would hold the interpreter.

The process gives way to everything else on the machine and ends with the request. It is started
here and speaks to nobody else, which is why what passes between the two may be pickled.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence

from rnnapp.data.windows import PriceSplit
from rnnapp.errors import TrainingError
from rnnapp.evaluation.rivals import Rival, fit_rivals
from rnnapp.language import current_language, in_language
from rnnapp.language import gettext as _

__all__ = ["fit_in_process"]

_NICENESS = 5  # a quarter of a busy core: pages go first, and rivals still arrive
_GLANCE = 0.1  # seconds between looks at whether a stop was requested


def fit_in_process(
    split: PriceSplit, stop: threading.Event, names: Sequence[str] | None = None
) -> Iterator[Rival]:
    """What :func:`rnnapp.evaluation.rivals.fit_rivals` gives, computed beside this process.

    Args:
        split: the days and windows of the nets.
        stop: once set, the process is killed, whatever it is computing; nothing more is yielded.
        names: of those to fit; all of the split's target where None.

    Raises:
        TrainingError: the process ended without an answer.
        Exception: whatever a rival raised there.
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )
    watcher = threading.Thread(target=_kill_on_stop, args=(process, stop), daemon=True)
    watcher.start()
    try:
        yield from _exchange(process, (current_language(), split, names), stop)
    finally:
        process.kill()
        process.communicate()  # closes the pipes and waits
        watcher.join()


def _kill_on_stop(process: subprocess.Popen[bytes], stop: threading.Event) -> None:
    while process.poll() is None:
        if stop.wait(_GLANCE):
            process.kill()
            return


def _exchange(
    process: subprocess.Popen[bytes], request: object, stop: threading.Event
) -> Iterator[Rival]:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        pickle.dump(request, process.stdin)
        process.stdin.flush()
        while not stop.is_set():
            answer = pickle.load(process.stdout)
            if answer is None:
                return
            if isinstance(answer, Exception):
                raise answer
            yield answer
    except (EOFError, OSError, pickle.UnpicklingError) as error:
        if not stop.is_set():
            message = _("The process of the rivals ended with code {code}. Try again.")
            raise TrainingError(message.format(code=process.wait())) from error


def _answer_request() -> None:
    """Read a request from standard input; write each rival to standard output, then None."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints goes elsewhere
    language, split, names = pickle.load(sys.stdin.buffer)
    with in_language(language):
        try:
            for rival in fit_rivals(split, names):
                pickle.dump(rival, answers)
                answers.flush()
            pickle.dump(None, answers)
        except Exception as error:  # raised again where the request came from
            pickle.dump(error, answers)
    answers.flush()


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    _answer_request()
