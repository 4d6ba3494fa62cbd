"""Programs and what starts them: executables, scripts, shortcuts."""

# Grows with every change that can give the same program another result.
VERSION = "3"
