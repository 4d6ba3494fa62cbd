"""The rules that every change of a contract must pass. Each is a pure function from what stands in the repository to
findings; ``python -m caseway_contracts.gates`` runs them all."""
