select s_name, s_address
from supplier
join nation on n_nationkey = s_nationkey
where n_name = 'CHINA'
  and s_suppkey in (
    select mod(s_i_id * s_w_id, 10000)
    from stock
    join order_line on ol_i_id = s_i_id
    where s_i_id in (select i_id from item where i_data like 'co%')
      and ol_delivery_d > '2010-05-23 12:00:00'
    group by s_i_id, s_w_id, s_quantity
    having 2 * s_quantity > sum(ol_quantity)
  )
order by s_name
