// LUT1 to LUT6: output O is bit {I5, ..., I0} of INIT.
// verilator lint_off DECLFILENAME

module LUT1 #(parameter [1:0] INIT = 2'h0) (output wire O, input wire I0);
  assign O = I0 ? INIT[1] : INIT[0];
endmodule

module LUT2 #(parameter [3:0] INIT = 4'h0) (output wire O, input wire I0, input wire I1);
  wire [1:0] s1 = I1 ? INIT[3:2] : INIT[1:0];
  assign O = I0 ? s1[1] : s1[0];
endmodule

module LUT3 #(parameter [7:0] INIT = 8'h0) (output wire O, input wire I0, input wire I1, input wire I2);
  wire [3:0] s2 = I2 ? INIT[7:4] : INIT[3:0];
  wire [1:0] s1 = I1 ? s2[3:2] : s2[1:0];
  assign O = I0 ? s1[1] : s1[0];
endmodule

module LUT4 #(parameter [15:0] INIT = 16'h0) (output wire O, input wire I0, input wire I1, input wire I2, input wire I3);
  wire [7:0] s3 = I3 ? INIT[15:8] : INIT[7:0];
  wire [3:0] s2 = I2 ? s3[7:4] : s3[3:0];
  wire [1:0] s1 = I1 ? s2[3:2] : s2[1:0];
  assign O = I0 ? s1[1] : s1[0];
endmodule

module LUT5 #(parameter [31:0] INIT = 32'h0) (output wire O, input wire I0, input wire I1, input wire I2, input wire I3, input wire I4);
  wire [15:0] s4 = I4 ? INIT[31:16] : INIT[15:0];
  wire [7:0] s3 = I3 ? s4[15:8] : s4[7:0];
  wire [3:0] s2 = I2 ? s3[7:4] : s3[3:0];
  wire [1:0] s1 = I1 ? s2[3:2] : s2[1:0];
  assign O = I0 ? s1[1] : s1[0];
endmodule

module LUT6 #(parameter [63:0] INIT = 64'h0) (output wire O, input wire I0, input wire I1, input wire I2, input wire I3, input wire I4, input wire I5);
  wire [31:0] s5 = I5 ? INIT[63:32] : INIT[31:0];
  wire [15:0] s4 = I4 ? s5[31:16] : s5[15:0];
  wire [7:0] s3 = I3 ? s4[15:8] : s4[7:0];
  wire [3:0] s2 = I2 ? s3[7:4] : s3[3:0];
  wire [1:0] s1 = I1 ? s2[3:2] : s2[1:0];
  assign O = I0 ? s1[1] : s1[0];
endmodule
// verilator lint_on DECLFILENAME
