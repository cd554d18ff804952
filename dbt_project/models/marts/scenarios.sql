{{ current_of('scenarios_versions', order=['scenario', 'parameter']) }}
