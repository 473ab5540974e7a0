"""What could not be logged while MLflow was away: kept in files, and sent when it is back.

MLflow is away where its server does not answer or its database is locked. Training goes on; the
first entry that cannot be sent is warned of, and all later ones of this command are kept, too. The
end of the command and the beginning of the next one send what is there, in its order.

An entry is a dictionary: `do`, what is logged; `run`, the run's id, or a name that begins with
`UNSENT` of a run that is not begun yet; and the values.
"""

import json
import logging
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deepfake_detector.common.files import replace_file, write_json

FOLDER = Path("artifacts/mlflow_unsent")
UNSENT = "unsent_"

_AWAY = ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED")
"""MLflow's codes where nothing is wrong with what it was asked."""

logger = logging.getLogger(__name__)


def is_away(error: Exception) -> bool:
    """Tell whether an error says that MLflow cannot be reached."""
    from mlflow.exceptions import MlflowException

    if isinstance(error, MlflowException):
        return error.error_code in _AWAY
    return isinstance(error, OSError) and error.errno is None  # of `requests`, not of the disk


class Outbox:
    """Sends entries to MLflow, or keeps them.

    Args:
        folder: where entries are kept, with copies of the files that they log.
        send: logs an entry; for `begin` it returns the run's id.
    """

    def __init__(self, folder: Path, send: Callable[[dict[str, Any]], str | None]):
        self._folder, self._send = folder, send
        self._is_away = self._has_warned = False

    def log(self, run_id: str, do: str, **values: Any) -> None:
        """Send an entry, or keep it where MLflow is away."""
        entry = {"run": run_id, "do": do, **values}
        if not self._is_away and not self._list_kept() and self._try(entry):
            return
        self._keep(entry)

    def begin(self, name: str) -> str:
        """Keep a run that cannot be begun now; return its name."""
        run_id = f"{UNSENT}{secrets.token_hex(8)}"
        self._keep({"run": run_id, "do": "begin", "name": name})
        return run_id

    def find_sent(self, run_id: str | None) -> str | None:
        """Return the id of a run that was begun later; any other run's is left as it is."""
        return self._read_runs().get(run_id, run_id)

    def note_away(self, error: Exception) -> None:
        """Warn, once a command, that MLflow is away."""
        if not self._has_warned:
            logger.warning(
                "MLflow is away (%s); the work goes on, what is to be logged is kept in %s and "
                "sent by the next command",
                str(error).strip().splitlines()[0][:120],
                self._folder,
            )
        self._is_away = self._has_warned = True

    def flush(self) -> bool:
        """Send what is kept; return whether nothing is left."""
        self._is_away = False
        for path in self._list_kept():
            entry = json.loads(path.read_text(encoding="utf-8"))
            entry["run"] = self.find_sent(entry["run"])
            if not self._try(entry):
                return False
            path.unlink()
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)
        return True

    def _try(self, entry: dict[str, Any]) -> bool:
        from mlflow.exceptions import MlflowException

        name = entry["run"]
        try:
            begun = self._send(entry)
        except (MlflowException, OSError) as error:
            if not is_away(error):
                raise
            self.note_away(error)
            return False
        if entry["do"] == "begin":
            write_json(self._read_runs() | {name: begun}, self._folder / "runs.json")
        return True

    def _keep(self, entry: dict[str, Any]) -> None:
        kept = self._list_kept()
        number = int(kept[-1].stem) + 1 if kept else 0
        path = self._folder / f"{number:08d}.json"
        if entry["do"] == "file":  # it may be another one by then
            with replace_file(path.with_suffix("") / Path(entry["path"]).name) as copy:
                shutil.copyfile(entry["path"], copy)
            entry = entry | {"path": str(path.with_suffix("") / Path(entry["path"]).name)}
        write_json(entry, path)

    def _list_kept(self) -> list[Path]:
        return sorted(self._folder.glob("[0-9]*.json"))

    def _read_runs(self) -> dict[str, str]:
        path = self._folder / "runs.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
