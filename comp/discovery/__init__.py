"""Look at data that nobody has described: which kind of competition is it?"""
