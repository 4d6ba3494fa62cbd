"""What documents do beside being read: macros, links to programs and servers, objects, scripts, actions."""

# Grows with every change that can give the same document another result.
VERSION = "1"
