"""
The report of a run: one HTML file that needs nothing but itself, and the same figures as a document.

`make` joins the parts: `measures` and `rows` work figures out, `fields` says them as a document; `overview`, `trading`,
`conduct`, `profit` and `limits` are the sections; `page`, `charts` and `strips` draw.
"""
