{{ current_of('supply_state_versions', order=['calendar_quarter']) }}
