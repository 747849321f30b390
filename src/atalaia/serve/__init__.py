"""How people reach Atalaia: API, command line, worker, private servers."""
