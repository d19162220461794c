def run(report, console): pass
