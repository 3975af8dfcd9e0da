"""The same work without a browser: one file a verb, each with ``register(subparsers)``."""
