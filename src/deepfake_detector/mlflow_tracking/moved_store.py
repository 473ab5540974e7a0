"""The project's own store of runs after its folder was moved or copied.

MLflow keeps absolute paths of the files of runs and models. In a copy they would be those of the
original: the copy would read its models there, and write into it. So the paths of a store that
lies in the project's folder are set to that folder before the store is used.
"""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

FILES = "mlruns"
"""The folder beside the database where MLflow keeps the files of runs and models."""

_PATHS = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}
"""Columns of MLflow 3 that hold paths, by table."""

_WAIT_SECONDS = 20

logger = logging.getLogger(__name__)


def adopt_moved_store(database: Path) -> None:
    """Let a store's paths lead to the folder of files beside it.

    Paths elsewhere, such as those of an experiment with files in a bucket, stay as they are.

    Args:
        database: SQLite; it need not be there.

    Raises:
        sqlite3.OperationalError: another process has locked it.
    """
    if not database.is_file():
        return
    with closing(sqlite3.connect(database, timeout=_WAIT_SECONDS)) as connection:
        columns = _list_columns(connection)
        if "artifact_location" not in columns.get("experiments", ()):
            return
        query = "select artifact_location from experiments where experiment_id = 0"
        row = connection.execute(query).fetchone()
        if row is None or not row[0] or not row[0].endswith(f"/{FILES}/0"):
            return
        old, new = row[0].removesuffix("/0"), database.parent.absolute() / FILES
        target = new.as_uri() if old.startswith("file:") else new.as_posix()
        if old == target:
            return
        with connection:  # all of them, or none
            _replace_beginnings(connection, columns, old, target)
    logger.warning("runs and models of %s are now those of %s, where this copy is", old, target)


def _list_columns(connection: sqlite3.Connection) -> dict[str, set[str]]:
    """List the columns that hold paths, of the tables that are there."""
    found = {}
    for table, columns in _PATHS.items():
        rows = connection.execute(f"pragma table_info({table})")
        found[table] = {row[1] for row in rows} & set(columns)
    return found


def _replace_beginnings(connection, columns: dict[str, set[str]], old: str, new: str) -> None:
    for table, names in columns.items():
        for name in names:
            connection.execute(
                f"update {table} set {name} = ? || substr({name}, ?) "
                f"where substr({name}, 1, ?) = ?",
                (new, len(old) + 1, len(old) + 1, f"{old}/"),
            )
