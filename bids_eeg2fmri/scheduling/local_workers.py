"""Participants side by side in processes of this machine; one that dies takes no other with it."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import connection

from bids_eeg2fmri.scheduling.attempt import Outcome, attempt, failed, prepare_process
from bids_eeg2fmri.settings import Job

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The work on one participant, and how much memory it is expected to need, bytes."""

    participant: str
    memory: int = 0
    #: Whether a process has died of it already.
    is_retry: bool = False


def work_locally(job: Job, loads: Sequence[Load], *, n_workers: int, memory: int) -> Iterator[Outcome]:
    """Yield outcomes as they come, from at most ``n_workers`` processes that need ``memory`` bytes together.

    A participant whose process dies (most often for lack of memory) is tried once more after all others, by
    itself. One that needs more memory than there is, is worked on by itself too.
    """
    waiting, again = deque(loads), deque[Load]()
    crew = _Crew(job, min(n_workers, len(loads)))
    try:
        while waiting or again or crew.running:
            queue = waiting or again
            while queue and crew.free and _fits(queue[0], crew.loads, memory):
                crew.start(queue.popleft())
            for load, outcome in crew.wait():
                if outcome is None:
                    again.append(replace(load, is_retry=True))
                    continue
                yield outcome
                if outcome.status == "failed" and job.running.stop_on_first_crash:
                    waiting.clear()
                    again.clear()
    except BaseException:  # stopped by the user: so are the workers
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        crew.close()


class _Crew:
    """Workers, each an executor of one process: a pool of several breaks as a whole when one of them dies."""

    def __init__(self, job: Job, n_workers: int) -> None:
        self._job = job
        self.free = [self._open() for _ in range(n_workers)]
        self.running: dict[Future[Outcome], tuple[Load, ProcessPoolExecutor]] = {}

    @property
    def loads(self) -> list[Load]:
        """What is being worked on."""
        return [load for load, _ in self.running.values()]

    def start(self, load: Load) -> None:
        """Let a free worker begin."""
        worker = self.free.pop()
        self.running[worker.submit(attempt, self._job, load.participant)] = load, worker

    def wait(self) -> Iterator[tuple[Load, Outcome | None]]:
        """Wait until something has ended and yield it; no outcome: to be tried again."""
        for future in wait(self.running, return_when=FIRST_COMPLETED).done:
            load, worker = self.running.pop(future)
            is_broken = future.exception() is not None
            if is_broken:
                worker.shutdown()
            self.free.append(self._open() if is_broken else worker)
            yield load, _result(future, load)

    def close(self) -> None:
        """End all workers, and wait until they have: what still ends when Python does, races with it."""
        for worker in (*self.free, *(worker for _, worker in self.running.values())):
            worker.shutdown(cancel_futures=True)

    def _open(self) -> ProcessPoolExecutor:
        # Fresh processes: a fork of one that holds threads can hang. They start with the first participant.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(1, mp_context=context, initializer=_start_worker, initargs=(self._job,))


def _fits(load: Load, others: Sequence[Load], memory: int) -> bool:
    """Return whether a participant can be worked on beside others."""
    if not others:
        return True
    if load.is_retry or any(other.is_retry for other in others):
        return False
    return load.memory + sum(other.memory for other in others) <= memory


def _result(future: Future[Outcome], load: Load) -> Outcome | None:
    """Return a worker's outcome; None where it died and the participant is to be tried again."""
    try:
        return future.result()
    except BrokenProcessPool:
        if load.is_retry:
            return failed(
                load.participant,
                "its worker process died twice, most often for lack of memory. Use a machine with more; "
                "the log has the peak of each stage.",
            )
        _logger.warning("sub-%s: its worker process died; it is tried once more, alone.", load.participant)
        return None


def _start_worker(job: Job) -> None:
    """Prepare a worker process, and let it end with the first one, however that ends."""
    prepare_process(job)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGKILL)  # nobody is left to be told anything

    threading.Thread(target=watch, daemon=True).start()
