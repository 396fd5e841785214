"""What the app knows of the platform it lives in: the Host contract, and how the configured host is found."""
