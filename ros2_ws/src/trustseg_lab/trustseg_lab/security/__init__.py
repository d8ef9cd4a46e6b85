"""What an integrator needs besides the code: who may say what on the ROS network, what is inside, what is known."""
