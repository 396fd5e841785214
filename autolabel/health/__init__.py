"""What monitors ask: is the process there, is it ready, and the figures."""
