with offers as (
    select s_i_id, s_quantity, s_suppkey, s_name, s_address, s_phone, s_comment, n_name
    from stock
    join supplier on s_suppkey = mod(s_w_id * s_i_id, 10000)
    join nation on n_nationkey = s_nationkey
    join region on r_regionkey = n_regionkey
    where r_name like 'EUROP%'
), least as (
    select s_i_id as least_i_id, min(s_quantity) as least_quantity from offers group by s_i_id
)
select s_suppkey, s_name, n_name, i_id, i_name, s_address, s_phone, s_comment
from offers
join least on least_i_id = s_i_id and least_quantity = s_quantity
join item on i_id = s_i_id
where i_data like '%b'
order by n_name, s_name, i_id
