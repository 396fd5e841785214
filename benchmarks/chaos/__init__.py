"""What survives what: the product under kills, freezes, lost servers, poison and cancels. See `__main__`."""
