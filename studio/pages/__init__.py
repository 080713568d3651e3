"""The pages of the studio: one file a page, each with one function that builds it inside the Blocks of `shell.py`.

A form is made of Gradio components; whatever shows the user's data is drawn by a JavaScript module of `static/` from the
HTTP API. Every change goes through /api/v1, so the pages hold no state but ids in the address.
"""
