# The template's own tests run in what is made of it: see tests/templates.
collect_ignore = ["service"]
