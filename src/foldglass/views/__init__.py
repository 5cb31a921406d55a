"""How results look to people: text for terminals, HTML for notebooks and reports."""
