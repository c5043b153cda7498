"""HTML pages in one file, which need no network: templates, charts, thumbnails, two languages."""
