"""Save the state of a run after a failure if it is consistent, and report the failure once.

Between two steps the state is consistent, and is saved as a checkpoint. Within a step it is so up
to the gradients, once the statistics of batch norm are restored. While the weights change it is
not, and the last checkpoint remains.
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
    """An unforeseen exception, which is the cause of this one, ended the run; with its report."""

    def __init__(self, message: str) -> None:
        super().__init__(message, crash.CODE)


@dataclass
class Task:
    """The current task of the trainer, for reports of failures.

    Attributes:
        doing: A phrase such as "while testing after step 12".
        is_saving: Whether a checkpoint is being saved.
        saved: The step of the newest checkpoint, 0 where there is none.
        stale: Whether the state has a row that the newest checkpoint lacks, even of the same step.
        torn: Whether the row or the test of a step is only partly in the state.
        kept: After a failure, a sentence on what is saved and how to resume.
    """

    doing: str = "while starting the run"
    is_saving: bool = False
    saved: int = 0
    stale: bool = False
    torn: bool = False
    kept: str = ""

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Mark a change of the state that must be complete; after a failure it stays torn."""
        self.torn = True
        yield
        self.torn = False

    @contextmanager
    def saving(self, step: int) -> Iterator[None]:
        """Mark the saving of a checkpoint."""
        self.doing, self.is_saving = f"while saving the checkpoint of step {step:,}", True
        yield
        self.is_saving, self.saved, self.stale = False, step, False


@dataclass(frozen=True)
class Rescuer:
    """The ways to save a state after a failure: as usual, or in a run folder that was moved."""

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
    """Save the state if it is consistent, and say so in `task.kept`.

    Args:
        error: The reason for the end of the run.
        task: The current task.
        state: The state.
        undo: Undoes a step that failed; returns whether the state is consistent.
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
    """Ignore the end of DataLoader workers, for which torch would raise during a save."""
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
    """Turn any failure of the run in a folder into one report.

    Raises:
        UsageError: A failure that the user can fix, with how to resume.
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
    """Return the file for the traceback; None before the run exists, whose folder stays empty."""
    with suppress(OSError):
        if (run / "run.json").is_file():
            return run / ("crash.txt" if processes.is_main else f"crash-{processes.rank}.txt")
    return None
