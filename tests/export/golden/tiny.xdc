# tiny: XDC constraints to begin with. Written by lutsmith.

create_clock -name clk -period 10.000 [get_ports clk]
# What the world outside takes of a cycle:
set_input_delay 0.000 -clock clk [filter [all_inputs] {NAME != clk}]
set_output_delay 0.000 -clock clk [all_outputs]

# Pins are the board's:
# set_property -dict {PACKAGE_PIN PIN IOSTANDARD LVCMOS33} [get_ports {clk}]
# set_property -dict {PACKAGE_PIN PIN IOSTANDARD LVCMOS33} [get_ports {ce}]
# set_property -dict {PACKAGE_PIN PIN IOSTANDARD LVCMOS33} [get_ports {x[0]}]  and so on to [17]
# set_property -dict {PACKAGE_PIN PIN IOSTANDARD LVCMOS33} [get_ports {label[0]}]  and so on to [1]
# set_property -dict {PACKAGE_PIN PIN IOSTANDARD LVCMOS33} [get_ports {scores[0]}]  and so on to [11]
