"""Renders a report's Markdown as one HTML page that needs nothing else: figures are inside, nothing is loaded."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from markdown_it.token import Token

if TYPE_CHECKING:
    from celltype_cli.studies.papers.report.report import Report


def page(report: Report, markdown: str, images: Mapping[str, bytes]) -> str:
    """Renders the page with a table of contents.

    Args:
        images: the figures as SVG, by their path in the Markdown.
    """
    parser = MarkdownIt("commonmark").enable("table")
    tokens = parser.parse(markdown)
    contents = []
    for heading, inline in zip(tokens, tokens[1:]):
        if heading.type == "heading_open" and heading.tag == "h2":
            title = _plain(inline).removesuffix(report.mark)
            key = re.sub(r"\W+", "-", title).strip("-").lower()
            heading.attrSet("id", key)
            contents.append(f'<li><a href="#{key}">{escape(title)}</a></li>')
        for token in inline.children or ():
            if token.type == "image" and (image := images.get(str(token.attrs["src"]))):
                token.attrSet("src", f"data:image/svg+xml;base64,{base64.b64encode(image).decode()}")
    body = parser.renderer.render(tokens, parser.options, {})
    body = body.replace("<table>", '<div class="scroll"><table>').replace("</table>", "</table></div>")
    spans = "".join(f' <span class="mark">{escape(mark)}</span>' for mark in report.marks)
    for tag in ("h1", "h2", "h3"):
        body = body.replace(f"{escape(report.mark)}</{tag}>", f"{spans}</{tag}>")
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(report.paper.title + report.mark)}</title><style>{style}</style></head>\n"
        f"<body><nav><ol>{''.join(contents)}</ol></nav>\n<main>{body}</main></body></html>\n"
    )


def _plain(inline: Token) -> str:
    return "".join(token.content for token in inline.children or ())
