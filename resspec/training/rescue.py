"""What becomes of a run in which something fails: what is whole is saved, and there is one report.

Between two steps the state is whole, and saved as a checkpoint. Within a step it is whole up to the gradients, once batch
norm's statistics are put back; while the weights change it is not, and the last checkpoint stands.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from traceback import clear_frames

from resspec import crash
from resspec.diagnostics import ResspecError, UsageError
from resspec.training.data import worker_failure
from resspec.training.distributed.processes import Processes, lost_another
from resspec.training.run import lock
from resspec.training.run.lock import Lock
from resspec.training.steps import guard
from resspec.training.steps.state import State
from resspec.training.stop import Stopped

AGAIN = "run the same command again to resume"
UNREADABLE, NO_MEMORY, NO_WORKER = "E0514", "E0609", "E0612"


class Crashed(ResspecError):
    """An exception that no check foresaw ended the run; it is the cause of this one, and the message is its report."""

    def __init__(self, message: str) -> None:
        super().__init__(message, crash.CODE)


@dataclass
class Task:
    """What the trainer is doing, for whoever reads that it failed.

    Attributes:
        doing: As in "while testing after step 12".
        is_saving: Whether it is a checkpoint that is being saved.
        saved: The step of the newest checkpoint, 0 where there is none.
        stale: Whether the state has a row that the newest checkpoint lacks, which may be of the same step.
        torn: Whether what follows a step, its row or its test, is only half in the state.
        kept: After a failure, what is saved and how to resume.
    """

    doing: str = "while starting the run"
    is_saving: bool = False
    saved: int = 0
    stale: bool = False
    torn: bool = False
    kept: str = ""

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Around what must enter the state as a whole. After a failure it stays torn."""
        self.torn = True
        yield
        self.torn = False

    @contextmanager
    def saving(self, step: int) -> Iterator[None]:
        """Around the saving of a checkpoint."""
        self.doing, self.is_saving = f"while saving the checkpoint of step {step:,}", True
        yield
        self.is_saving, self.saved, self.stale = False, step, False


@dataclass(frozen=True)
class Rescuer:
    """What saves a state after a failure: as ever, or in a run folder that has another name by now."""

    lock: Lock
    save: Callable[[State], None]
    save_where_it_is: Callable[[State], None]


def rescue(
    error: BaseException,
    task: Task,
    state: State,
    undo: Callable[[], bool],
    rescuer: Rescuer | None,
) -> None:
    """Save the state if it is whole, and leave in `task.kept` what became of it.

    Args:
        error: Why the run ends.
        undo: Undoes a step that failed; returns whether the state is whole.
        rescuer: Saves it; None in a process that does not write.
    """
    if crash.memory_needed(error):
        clear_frames(error.__traceback__)  # they hold the tensors of the step
    before, code = state.step, error.code if isinstance(error, UsageError) else None
    if rescuer is None:
        task.kept = f"{AGAIN} from the last checkpoint"
    elif code == lock.HELD:
        task.kept = f"what it trained since the checkpoint of step {task.saved:,} is lost"
    elif code == lock.GONE and rescuer.lock.is_removed:
        task.kept = f"its {before:,} steps are lost; run the same command again to start over"
    elif code == lock.GONE:
        kept = _save(task, state, undo, rescuer.save_where_it_is)
        task.kept = kept.replace(AGAIN, f"move it back, then {AGAIN}")
    elif task.saved == before > 0 and not task.is_saving:
        task.kept = f"the checkpoint of step {before:,} is good; {AGAIN}"
    elif task.is_saving and code:
        task.kept = AGAIN  # the message says which checkpoint stands
    elif before == 0:
        task.kept = "no step was completed; run the same command again to start"
    else:
        task.kept = _save(task, state, undo, rescuer.save)


def _save(task: Task, state: State, undo: Callable[[], bool], save: Callable[[State], None]) -> str:
    lost = f"run the same command again to resume from the checkpoint of step {task.saved:,}"
    if not task.saved:
        lost = "no checkpoint was saved yet; run the same command again to start"
    try:
        with _deaf_to_children():
            if task.torn or not undo():
                return f"the step was only partly done and cannot be saved; {lost}"
            if int(state.guard.bad) >= 0 or guard.first_non_finite(state.tensors()):
                return f"the weights are not finite, and are not saved; {lost}"
            save(state)
    except Exception as error:  # noqa: BLE001 (one report, whatever happens)
        return f"step {state.step:,} could not be saved ({crash.first_line(error)}); {lost}"
    task.saved = state.step
    return f"a checkpoint of step {state.step:,} is saved; {AGAIN}"


@contextmanager
def _deaf_to_children() -> Iterator[None]:
    """Hear no more of processes that read images and end: torch would raise that in the midst of a save."""
    try:
        before = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, before)


@contextmanager
def reported(task: Task, run: Path, processes: Processes) -> Iterator[None]:
    """Turn whatever ends a run without being foreseen into one report; `run` is its folder.

    Raises:
        UsageError: What a person can mend, with how to resume.
        Stopped: An interrupt.
        Crashed: Anything else.
    """
    try:
        yield
    except UsageError as error:
        if not task.kept:  # it had not begun to train
            raise
        kept = task.kept
        if error.code == UNREADABLE:
            kept = kept.replace("run the same", "replace or remove that image, then run the same")
        raise UsageError(f"{error}; {kept}", error.code, error.remedy) from None
    except ResspecError:
        raise
    except KeyboardInterrupt:  # of a library: our own handler of SIGINT raises nothing
        if not task.kept:
            raise
        raise Stopped(signal.SIGINT, f"interrupted {task.doing}; {task.kept}") from None
    except BaseException as error:
        if lost_another(error) or isinstance(error, ModuleNotFoundError):
            raise
        kept = task.kept or "run the same command again to start"
        if short := crash.memory_needed(error):
            raise UsageError(f"{short} ({task.doing}); {kept}", NO_MEMORY) from None
        if limit := crash.limit_reached(error):
            raise UsageError(f"{limit} ({task.doing}); {kept}", crash.LIMIT) from None
        if isinstance(error, RuntimeError) and (failure := worker_failure(error)):
            raise UsageError(f"{failure}; {kept}", NO_WORKER) from None
        raise Crashed(crash.report(error, task.doing, (kept,), _file(run, processes))) from error


def _file(run: Path, processes: Processes) -> Path | None:
    """Where the traceback of this process goes; None where there is no run yet, whose folder has to stay empty."""
    with suppress(OSError):
        if (run / "run.json").is_file():
            return run / ("crash.txt" if processes.is_main else f"crash-{processes.rank}.txt")
    return None
