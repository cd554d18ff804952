{{ current_of('accelerator_revenue_versions', order=['calendar_quarter', 'vendor']) }}
