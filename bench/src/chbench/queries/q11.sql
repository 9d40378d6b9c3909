with chinese as (
    select s_i_id, s_order_cnt
    from stock
    join supplier on s_suppkey = mod(s_w_id * s_i_id, 10000)
    join nation on n_nationkey = s_nationkey
    where n_name = 'CHINA'
)
select s_i_id, sum(s_order_cnt) as ordercount
from chinese
group by s_i_id
having sum(s_order_cnt) > (select sum(s_order_cnt) * 0.005 from chinese)
order by ordercount desc
