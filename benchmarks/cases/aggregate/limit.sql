-- takes:
SELECT json_build_object(
    'aggregate', json_build_object(
        'count', count(*),
        'sum', json_build_object('total', sum(total), 'amount_paid', sum(amount_paid)),
        'min', json_build_object('total', min(total)),
        'max', json_build_object('total', max(total))
    )
)
FROM chargebee.invoice
