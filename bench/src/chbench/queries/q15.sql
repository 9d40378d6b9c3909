with revenue as (
    select mod(s_w_id * s_i_id, 10000) as supplier_no, sum(ol_amount) as total_revenue
    from order_line
    join stock on s_w_id = ol_supply_w_id and s_i_id = ol_i_id
    where ol_delivery_d >= '2007-01-02 00:00:00'
    group by mod(s_w_id * s_i_id, 10000)
)
select s_suppkey, s_name, s_address, s_phone, total_revenue
from supplier
join revenue on supplier_no = s_suppkey
where total_revenue = (select max(total_revenue) from revenue)
order by s_suppkey
