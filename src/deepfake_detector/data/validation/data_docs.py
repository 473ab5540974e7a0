"""Data Docs as pages that need no network.

Great Expectations' own fetch a dated picture when they are opened, which tells someone that they
were, and their index lists nothing without scripts from the web.
"""

import html
import re
from pathlib import Path
from typing import Any

_LOGO = re.compile(r"https://great-expectations-web-assets[^\"')]+")


def make_site(folder: Path) -> dict[str, Any]:
    """Give the settings of a site in a folder."""
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": str(folder.resolve()),
        },
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }


def make_pages_local(folder: Path, summaries: dict[str, str]) -> None:
    """Take pictures from the site itself, and list the results on its first page.

    Args:
        summaries: of each suite, in the order of the list.
    """
    for page in folder.rglob("*.html"):
        up = "../" * (len(page.relative_to(folder).parts) - 1)
        text = _LOGO.sub(f"{up}static/images/logo-long.png", page.read_text(encoding="utf-8"))
        if page == folder / "index.html":
            text = text.replace("<body>", f"<body>\n{_list_results(folder, summaries)}", 1)
        page.write_text(text, encoding="utf-8")


def _list_results(folder: Path, summaries: dict[str, str]) -> str:
    items = [
        f'<li><a href="{html.escape(page.relative_to(folder).as_posix())}">'
        f"{html.escape(suite)}</a>: {html.escape(summary)}</li>"
        for suite, summary in summaries.items()
        for page in sorted(folder.glob(f"validations/{suite}/**/*.html"))
    ]
    return f'<ul style="margin: 1em">{"".join(items)}</ul>'
