"""Readings of a mail beside the standard library's, and what its headers, links and words give away."""
