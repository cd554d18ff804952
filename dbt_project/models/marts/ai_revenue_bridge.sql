{{ current_of('ai_revenue_bridge_versions', order=['calendar_quarter', 'ai_revenue_basis', 'company']) }}
