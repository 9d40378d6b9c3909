select n_name, sum(ol_amount) as revenue
from customer
join orders on o_w_id = c_w_id and o_d_id = c_d_id and o_c_id = c_id
join order_line on ol_w_id = o_w_id and ol_d_id = o_d_id and ol_o_id = o_id
join stock on s_w_id = ol_w_id and s_i_id = ol_i_id
join supplier on s_suppkey = mod(s_w_id * s_i_id, 10000) and s_nationkey = ascii(substr(c_state, 1, 1)) - 65
join nation on n_nationkey = s_nationkey
join region on r_regionkey = n_regionkey
where r_name = 'EUROPE' and o_entry_d >= '2007-01-02 00:00:00'
group by n_name
order by revenue desc
