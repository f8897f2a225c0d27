"""What a site's parent knows of a job reaches whoever submitted it, through FLARE's server."""
