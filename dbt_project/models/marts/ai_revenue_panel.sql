{{ current_of('ai_revenue_panel_versions', order=['calendar_quarter', 'ai_revenue_basis']) }}
