"""What `manage.py` gets of this app."""
