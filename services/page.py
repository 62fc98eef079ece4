"""The page at `/`: where everything is."""

from __future__ import annotations

from html import escape

SERVICES = (
    ("intake", "takes in every inquiry"),
    ("router", "gives each to the right desk"),
    ("sla", "keeps the promised time"),
)

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid #8884; }
"""

_FORM = '<p>For customers: <a href="/form">the form</a>.</p>'


def html(company: str, *, form: bool = True) -> str:
    """`form`: there is one for customers."""
    rows = "".join(
        f"<tr><th scope=row>{name}</th><td>{what}</td>"
        f'<td><a href="/{name}/docs">API</a></td>'
        f'<td><a href="/{name}/openapi.json">OpenAPI</a></td>'
        f'<td><a href="/{name}/health/ready">health</a></td></tr>'
        for name, what in SERVICES
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Inbound Desk</title><style>{_STYLE}</style></head><body>"
        f"<h1>Inbound Desk</h1><p>of {escape(company)}</p>"
        f"<table>{rows}</table>"
        f"{_FORM if form else ''}"
        '<p>The desk as a whole: <a href="/health/live">live</a>, '
        '<a href="/health/ready">ready</a>.</p></body></html>'
    )
