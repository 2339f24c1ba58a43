"""What the web adapters share: pure functions without a framework."""
