// tiny_axis: tiny between AXI4-Streams. Written by lutsmith.
//
// s_axis_tdata: a sample is 3 transfers of 8 bits, the lowest first.
//   x: bits 17:0 of a sample
// m_axis_tdata: a result is one transfer.
//   label: bits 1:0
//   scores: bits 19:8
// Latency: 8 clock cycles from the last transfer of a sample.

// Bits beyond a sample are read by nothing.
// verilator lint_off UNUSEDSIGNAL
module tiny_axis (
  input wire aclk,
  input wire aresetn,
  input wire [7:0] s_axis_tdata,
  input wire s_axis_tvalid,
  output wire s_axis_tready,
  input wire s_axis_tlast,
  output wire [23:0] m_axis_tdata,
  output wire m_axis_tvalid,
  input wire m_axis_tready,
  output wire m_axis_tlast
);
  wire [17:0] x;
  wire [1:0] label;
  wire [11:0] scores;
  // The design moves on unless a result waits.
  reg [7:0] stage_valid;
  reg [7:0] stage_last;
  wire advance = m_axis_tready | ~stage_valid[7];
  // All transfers of a sample but the last are kept; the last one enters the design with them.
  reg [1:0] transfer;
  reg [15:0] collected;
  wire complete = transfer == 2'd2;
  wire sample_valid = s_axis_tvalid & complete;
  assign s_axis_tready = advance | ~complete;
  wire [23:0] whole_sample = {s_axis_tdata, collected};
  always @(posedge aclk)
    if (!aresetn) transfer <= 2'd0;
    else if (s_axis_tvalid & s_axis_tready)
      transfer <= complete | s_axis_tlast ? 2'd0 : transfer + 2'd1;
  always @(posedge aclk)
    if (s_axis_tvalid & ~complete) collected <= {s_axis_tdata, collected[15:8]};
  assign x = whole_sample[17:0];
  tiny u_tiny (.clk(aclk), .ce(advance), .x(x), .label(label), .scores(scores));
  always @(posedge aclk)
    if (!aresetn) stage_valid <= 8'b0;
    else if (advance) stage_valid <= {stage_valid[6:0], sample_valid};
  always @(posedge aclk)
    if (advance) stage_last <= {stage_last[6:0], s_axis_tlast};
  assign m_axis_tdata = {4'b0, scores, 6'b0, label};
  assign m_axis_tvalid = stage_valid[7];
  assign m_axis_tlast = stage_last[7];
endmodule
// verilator lint_on UNUSEDSIGNAL
