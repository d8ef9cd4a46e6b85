# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Hook of mkdocs: the documents of the top folder become pages of the site, and links to and from them stay right.

They lie at the top because people and hosting platforms look for them there. The README is the site's first page.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
}
LINK = re.compile(r"(\]\()([^)\s#]+)")


def on_files(files: Files, config: Any) -> Files:
    """Add each top-level document, its links made relative to docs/."""
    top = Path(config.config_file_path).parent
    for name, page in PAGES.items():
        text = LINK.sub(lambda link: link[1] + _from_top(link[2]), (top / name).read_text(encoding="utf-8"))
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn links to `../NAME.md` into links to the page that it became."""
    up = "../" * (page.file.src_uri.count("/") + 1)
    back = up[3:]
    for name, target in PAGES.items():
        markdown = re.sub(rf"\]\({re.escape(up + name)}(?=[)#])", f"]({back}{target}", markdown)
    return markdown


def _from_top(link: str) -> str:
    return PAGES.get(link, link.removeprefix("docs/"))
