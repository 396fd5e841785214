"""How the demo's small models are made: the scenes they learn from, and one module for each kind of model."""
