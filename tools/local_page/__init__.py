"""The page of a local stack: its schools, its events, and the template's dashboards, drawn."""
