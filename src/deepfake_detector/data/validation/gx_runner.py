"""Checks on tables, run by Great Expectations, with the rows they find and Data Docs as local
HTML.

Great Expectations takes seconds to import, so it is imported where it runs. Nothing is sent
anywhere.
"""

import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from deepfake_detector.data.validation.data_docs import make_pages_local, make_site

_ROW_ID = "row_id"


@dataclass(frozen=True)
class Check:
    """An expectation about a table, and what to tell where it is not met.

    Args:
        name: what must hold, as Data Docs show it.
        expectation: class of Great Expectations.
        settings: its arguments.
        reason: for each row found, with `{column}` filled in from it; or for the whole table.
        hides_face: the row is a face that cannot be used, so its frame must not pass for empty.
    """

    name: str
    expectation: str
    settings: dict[str, Any]
    reason: str
    hides_face: bool = False


@dataclass(frozen=True)
class Finding:
    """The result of a check: does it hold, and the index labels of the rows where it does not."""

    check: Check
    success: bool
    rows: list[int]


class TableChecker:
    """Runs checks and writes Data Docs into a folder, which is emptied first."""

    def __init__(self, docs_folder: Path):
        os.environ["GX_ANALYTICS_ENABLED"] = "false"  # telemetry; read at the import
        logging.getLogger("great_expectations").setLevel(logging.WARNING)  # its import talks
        import great_expectations
        from great_expectations.data_context.types.base import ProgressBarsConfig

        logging.getLogger(ProgressBarsConfig.__module__).setLevel(logging.WARNING)
        self._gx, self._docs_folder = great_expectations, docs_folder
        self._summaries: dict[str, str] = {}
        self._context = great_expectations.get_context(mode="ephemeral")
        self._context.variables.progress_bars = ProgressBarsConfig(globally=False)
        shutil.rmtree(docs_folder, ignore_errors=True)
        docs_folder.mkdir(parents=True)
        self._context.update_data_docs_site("local_site", make_site(docs_folder))
        self._source = self._context.data_sources.add_pandas("data")

    def run(
        self, suite: str, table: pd.DataFrame, checks: list[Check], shown: list[str]
    ) -> list[Finding]:
        """Check a table whose index is unique.

        Args:
            shown: columns by which Data Docs name a row.
        """
        gx = self._gx
        batch = self._source.add_dataframe_asset(suite).add_batch_definition_whole_dataframe("all")
        expectations = gx.ExpectationSuite(
            suite, [self._make(number, check) for number, check in enumerate(checks)]
        )
        definition = gx.ValidationDefinition(
            name=suite, data=batch, suite=self._context.suites.add(expectations)
        )
        checkpoint = gx.Checkpoint(
            name=suite,
            validation_definitions=[self._context.validation_definitions.add(definition)],
            actions=[gx.checkpoint.UpdateDataDocsAction(name="data_docs")],
            result_format={
                "result_format": "COMPLETE",
                "unexpected_index_column_names": [*shown, _ROW_ID],
            },
        )
        frame = table.assign(**{_ROW_ID: table.index})
        result = self._context.checkpoints.add(checkpoint).run({"dataframe": frame})
        (validation,) = result.run_results.values()
        results = {found.expectation_config.meta["check"]: found for found in validation.results}
        found = [_to_finding(check, results[number]) for number, check in enumerate(checks)]
        met = sum(finding.success for finding in found)
        self._summaries[suite] = f"{met} of {len(found)} checks are met by all {len(table)} rows"
        return found

    def finish(self) -> None:
        """Make Data Docs readable without a network, after the last run."""
        make_pages_local(self._docs_folder, self._summaries)

    def _make(self, number: int, check: Check):
        make = getattr(self._gx.expectations, check.expectation)
        return make(description=check.name, meta={"check": number}, **check.settings)


def summarize_findings(suite: str, findings: list[Finding]) -> list[dict[str, Any]]:
    """Give findings as plain values, the same for the same data."""
    return [
        {
            "suite": suite,
            "check": finding.check.name,
            "expectation": finding.check.expectation,
            "settings": finding.check.settings,
            "success": finding.success,
            "rows": len(finding.rows),
        }
        for finding in findings
    ]


def _to_finding(check: Check, found) -> Finding:
    rows = found.result.get("unexpected_index_list") or []
    return Finding(check, bool(found.success), sorted(int(row[_ROW_ID]) for row in rows))
