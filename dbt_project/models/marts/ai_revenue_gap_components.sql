{{ current_of('ai_revenue_gap_components_versions', order=['calendar_quarter', 'scenario', 'component_order', 'component']) }}
