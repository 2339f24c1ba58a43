"""The app for Django, in a project with its own users; against a real server."""
