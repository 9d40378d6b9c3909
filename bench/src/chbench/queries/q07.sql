select s_nationkey as supp_nation, substr(c_state, 1, 1) as cust_nation, extract(year from o_entry_d) as l_year,
       sum(ol_amount) as revenue
from order_line
join stock on s_w_id = ol_supply_w_id and s_i_id = ol_i_id
join supplier on s_suppkey = mod(s_w_id * s_i_id, 10000)
join orders on o_w_id = ol_w_id and o_d_id = ol_d_id and o_id = ol_o_id
join customer on c_w_id = o_w_id and c_d_id = o_d_id and c_id = o_c_id
join nation n1 on n1.n_nationkey = s_nationkey
join nation n2 on n2.n_nationkey = ascii(substr(c_state, 1, 1)) - 65
where ((n1.n_name = 'JAPAN' and n2.n_name = 'CHINA') or (n1.n_name = 'CHINA' and n2.n_name = 'JAPAN'))
  and ol_delivery_d between '2007-01-02 00:00:00' and '2032-01-02 00:00:00'
group by s_nationkey, substr(c_state, 1, 1), extract(year from o_entry_d)
order by supp_nation, cust_nation, l_year
