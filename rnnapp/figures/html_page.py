"""One HTML file that needs nothing else: a headline, figures, tables and code in one look."""

from __future__ import annotations

import html
from collections.abc import Sequence

import plotly.graph_objects as go
import plotly.io as pio

from rnnapp.evaluation.sheet import SheetItem
from rnnapp.language import current_language
from rnnapp.language import gettext as _

__all__ = ["code_html", "figure_html", "html_page", "html_part", "sheet_html"]

_STYLE = """
:root { color-scheme: light; }
body {
  font: 16px/1.5 system-ui, "Noto Sans KR", "Malgun Gothic", "Apple SD Gothic Neo", sans-serif;
  color: #1F2937;
  max-width: 1180px; margin: 2rem auto; padding: 0 1rem;
}
h1 { font-size: 1.45rem; line-height: 1.35; }
h2 { font-size: 1.1rem; margin-top: 2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.86rem; }
th, td {
  padding: 0.35rem 0.6rem; border-bottom: 1px solid #E5E7EB;
  text-align: right; white-space: nowrap;
}
.text { text-align: left; }
.quiet { color: #4B5563; font-size: 0.9rem; }
pre { overflow-x: auto; background: #F3F4F6; padding: 0.8rem; }
.sheet th { text-align: left; vertical-align: top; color: #4B5563; font-weight: 600; }
.sheet td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
@media print {
  body { margin: 0; font-size: 11px; }
  .sheet { page-break-before: always; }
}
"""
_PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1>{headline}</h1>
<p class="quiet">{about}</p>
{notes}
{parts}
<p class="quiet">{quiet}</p>
</body>
</html>
"""


def html_page(
    *, title: str, headline: str, about: str, notes: Sequence[str], parts: Sequence[str]
) -> str:
    """Put a page together.

    Args:
        title, headline, about: plain text.
        notes: sentences under it, plain text.
        parts: HTML, as the functions below return it.
    """
    return _PAGE.format(
        style=_STYLE,
        language=current_language(),
        quiet=html.escape(
            _("For learning about nets and forecasts. Nothing here is advice about money.")
        ),
        title=html.escape(title),
        headline=html.escape(headline),
        about=html.escape(about),
        notes="".join(f'<p class="quiet">{html.escape(note)}</p>' for note in notes),
        parts="\n".join(parts),
    )


def html_part(title: str, content: str) -> str:
    """HTML under a heading."""
    return f"<h2>{html.escape(title)}</h2>{content}"


def figure_html(title: str, figure: go.Figure, *, first: bool) -> str:
    """A figure with its legend, hover and zoom; the first of a page brings the code for all."""
    figure.update_layout(template="plotly_white")
    drawn: str = pio.to_html(
        figure,
        include_plotlyjs=first,
        full_html=False,
        config={"displaylogo": False, "responsive": True},
    )
    return html_part(title, drawn)


def code_html(code: str) -> str:
    """Code or settings as they are."""
    return f"<pre>{html.escape(code)}</pre>"


def sheet_html(items: Sequence[SheetItem]) -> str:
    """The sheet as a table of names and sentences."""
    rows = (
        f"<tr><th>{html.escape(item.name)}</th><td>{html.escape(item.text)}</td></tr>"
        for item in items
    )
    return f'<table class="sheet">{"".join(rows)}</table>'
